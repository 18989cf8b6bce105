Feature: An employee with an active declaration reads all data of the patient

  Background:
    Given I am employee "doctor" of my legal entity

  Scenario Outline: all that the rule lists, one record
    Given patient "P" has a declaration with employee "doctor"
    When I ask to read <type> "R" in patient "P"
    Then it is permitted by rule_1

    Examples:
      | type |
      | episode |
      | encounter |
      | observation |
      | condition |
      | service_request |
      | diagnostic_report |
      | procedure |
      | medication_administration |
      | care_plan |
      | activity |
      | approval |
      | clinical_impression |
      | medication_request_request |
      | medication_request |
      | medication_dispense |
      | device_request |
      | device_dispense |
      | device_association |
      | detected_issue |

  Scenario Outline: all that the rule lists, as a list
    Given patient "P" has a declaration with employee "doctor"
    When I ask to read every <type> in patient "P"
    Then it is permitted by rule_1

    Examples:
      | type |
      | episode |
      | encounter |
      | observation |
      | condition |
      | service_request |
      | diagnostic_report |
      | procedure |
      | medication_administration |
      | care_plan |
      | activity |
      | approval |
      | clinical_impression |
      | medication_request_request |
      | medication_request |
      | medication_dispense |
      | device_request |
      | device_dispense |
      | device_association |
      | detected_issue |

  Scenario: under the older name of the context
    Given patient "P" has a declaration with employee "doctor"
    When I ask to read every encounter in person_id "P"
    Then it is permitted by rule_1

  Scenario: in an episode
    Given patient "P" has a declaration with employee "doctor"
    When I ask to read every observation in patient "P" in episode "E"
    Then it is permitted by rule_1

  Scenario: a device is not sensitive besides
    Given patient "P" has a declaration with employee "doctor"
    When I ask to read every device in patient "P"
    Then it is permitted by rule_-1 and rule_1

  Scenario: of a person merged with the patient
    Given patient "Q" has a declaration with employee "doctor"
    And person "Q" is merged with patient "P"
    When I ask to read encounter "E" in patient "P"
    Then it is permitted by rule_1

  Scenario: a record of a person merged with the patient
    Given patient "P" has a declaration with employee "doctor"
    And person "Q" is merged with patient "P"
    And encounter "E" of patient "Q"
    When I ask to read encounter "E" in patient "P"
    Then it is permitted by rule_1

  Scenario: until just before it ends
    Given patient "P" has a declaration with employee "doctor" that ends in a second
    When I ask to read encounter "E" in patient "P"
    Then it is permitted by rule_1

  Scenario: not at the instant of its end
    Given patient "P" has a declaration with employee "doctor" that ends now
    When I ask to read encounter "E" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not from another legal entity
    Given patient "P" has a declaration with employee "doctor" in "another clinic"
    When I ask to read encounter "E" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not with a colleague
    Given patient "P" has a declaration with employee "colleague"
    When I ask to read encounter "E" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not as a former employee
    Given I was employee "former" of my legal entity
    And patient "P" has a declaration with employee "former"
    When I ask to read encounter "E" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not as an employee of another legal entity
    Given I am employee "guest" of "another clinic"
    And patient "P" has a declaration with employee "guest"
    When I ask to read encounter "E" in patient "P"
    Then it is refused as no_rule_matched

  Scenario: not of another patient
    Given patient "P" has a declaration with employee "doctor"
    When I ask to read encounter "E" in patient "Q"
    Then it is refused as no_rule_matched

  Scenario: not another patient's record in the name of this one
    Given patient "P" has a declaration with employee "doctor"
    And encounter "E" of patient "Q"
    When I ask to read encounter "E" in patient "P"
    Then it is refused as malformed_context

  Scenario Outline: reading alone
    Given patient "P" has a declaration with employee "doctor"
    When I ask to <action> encounter "E" in patient "P"
    Then it is refused as no_rule_matched

    Examples:
      | action |
      | write |
      | create |
      | update |
      | delete |
      | action |
