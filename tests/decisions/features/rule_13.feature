Feature: An employee with an active approval to write, writes data of a care plan

  Background:
    Given I am employee "doctor" of my legal entity

  Scenario Outline: all that the rule lists
    Given patient "P" approved write of care_plan "X" to employee "doctor"
    When I ask to write every <type> in patient "P" in care_plan "X"
    Then it is permitted by rule_13

    Examples:
      | type |
      | activity |
      | medication_request |
      | medication_request_request |
      | medication_dispense |
      | care_plan |

  Scenario: granted to their legal entity
    Given patient "P" approved write of care_plan "X" to my legal entity
    When I ask to write activity "R" in patient "P" in care_plan "X"
    Then it is permitted by rule_13

  Scenario: until just before it ends
    Given patient "P" approved write of care_plan "X" to employee "doctor" that ends in a second
    When I ask to write activity "R" in patient "P" in care_plan "X"
    Then it is permitted by rule_13

  Scenario: not at the instant of its end
    Given patient "P" approved write of care_plan "X" to employee "doctor" that ends now
    When I ask to write activity "R" in patient "P" in care_plan "X"
    Then it is refused as no_rule_matched

  Scenario Outline: an approval that is not active
    Given patient "P" approved write of care_plan "X" to employee "doctor"
    And the approval is <status>
    When I ask to write activity "R" in patient "P" in care_plan "X"
    Then it is refused as no_rule_matched

    Examples:
      | status |
      | new |
      | expired |
      | terminated |

  Scenario: not granted to a colleague
    Given patient "P" approved write of care_plan "X" to employee "colleague"
    When I ask to write activity "R" in patient "P" in care_plan "X"
    Then it is refused as no_rule_matched

  Scenario: not as a former employee
    Given I was employee "former" of my legal entity
    And patient "P" approved write of care_plan "X" to employee "former"
    When I ask to write activity "R" in patient "P" in care_plan "X"
    Then it is refused as no_rule_matched

  Scenario: not on another one
    Given patient "P" approved write of care_plan "Y" to employee "doctor"
    When I ask to write activity "R" in patient "P" in care_plan "X"
    Then it is refused as no_rule_matched

  Scenario: the plan itself
    Given patient "P" approved write of care_plan "X" to employee "doctor"
    When I ask to write care_plan "X" in patient "P"
    Then it is permitted by rule_13

  Scenario: not by an approval to read
    Given patient "P" approved read of care_plan "X" to employee "doctor"
    When I ask to write care_plan "X" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not by an approval of another patient
    Given patient "Q" approved write of care_plan "X" to employee "doctor"
    When I ask to write care_plan "X" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not what the rule does not list
    Given patient "P" approved write of care_plan "X" to employee "doctor"
    When I ask to write service_request "R" in patient "P" in care_plan "X"
    Then it is refused as no_rule_matched

  Scenario Outline: no action but `write` itself
    Given patient "P" approved write of care_plan "X" to employee "doctor"
    When I ask to <action> care_plan "X" in patient "P"
    Then it is refused as no_rule_matched

    Examples:
      | action |
      | create |
      | update |
      | delete |
      | action |
