Feature: An employee with an active approval reads all data of the episodes named in it

  Background:
    Given I am employee "doctor" of my legal entity

  Scenario Outline: all that the rule lists
    Given patient "P" approved read of episode "X" to employee "doctor"
    When I ask to read every <type> in patient "P" in episode "X"
    Then it is permitted by rule_5

    Examples:
      | type |
      | encounter |
      | observation |
      | condition |
      | service_request |
      | diagnostic_report |
      | procedure |

  Scenario: granted to their legal entity
    Given patient "P" approved read of episode "X" to my legal entity
    When I ask to read observation "R" in patient "P" in episode "X"
    Then it is permitted by rule_5

  Scenario: until just before it ends
    Given patient "P" approved read of episode "X" to employee "doctor" that ends in a second
    When I ask to read observation "R" in patient "P" in episode "X"
    Then it is permitted by rule_5

  Scenario: not at the instant of its end
    Given patient "P" approved read of episode "X" to employee "doctor" that ends now
    When I ask to read observation "R" in patient "P" in episode "X"
    Then it is refused as no_rule_matched

  Scenario Outline: an approval that is not active
    Given patient "P" approved read of episode "X" to employee "doctor"
    And the approval is <status>
    When I ask to read observation "R" in patient "P" in episode "X"
    Then it is refused as no_rule_matched

    Examples:
      | status |
      | new |
      | expired |
      | terminated |

  Scenario: not granted to a colleague
    Given patient "P" approved read of episode "X" to employee "colleague"
    When I ask to read observation "R" in patient "P" in episode "X"
    Then it is refused as no_rule_matched

  Scenario: not as a former employee
    Given I was employee "former" of my legal entity
    And patient "P" approved read of episode "X" to employee "former"
    When I ask to read observation "R" in patient "P" in episode "X"
    Then it is refused as no_rule_matched

  Scenario: not on another one
    Given patient "P" approved read of episode "Y" to employee "doctor"
    When I ask to read observation "R" in patient "P" in episode "X"
    Then it is refused as no_rule_matched

  Scenario: the episode itself
    Given patient "P" approved read of episode_of_care "X" to employee "doctor"
    When I ask to read episode "X" in patient "P"
    Then it is permitted by rule_5

  Scenario: known through the encounter of the record
    Given patient "P" approved read of episode "X" to employee "doctor"
    And encounter "C" of patient "P" with episode "X"
    And observation "O" of patient "P" with encounter "C"
    When I ask to read observation "O" in patient "P"
    Then it is permitted by rule_5

  Scenario: not a list of all of the patient
    Given patient "P" approved read of episode "X" to employee "doctor"
    When I ask to read every observation in patient "P"
    Then it is refused as no_rule_matched

  Scenario Outline: reading alone
    Given patient "P" approved write of episode "X" to employee "doctor"
    When I ask to <action> observation "R" in patient "P" in episode "X"
    Then it is refused as no_rule_matched

    Examples:
      | action |
      | write |
      | create |
      | update |
      | delete |
      | action |
